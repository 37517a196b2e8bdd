// npm ci && node bundle.mjs: makes page.bundle.js from page.js, and LICENSES.txt of what went into it.
import { build } from "esbuild";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";

const { metafile } = await build({
  entryPoints: ["page.js"], outfile: "page.bundle.js", bundle: true, minify: true, format: "iife", charset: "utf8", legalComments: "none", metafile: true,
});
const packages = new Set(Object.keys(metafile.inputs).map(file => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]).filter(Boolean));
const parts = [...packages].sort().map(name => {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`));
  const file = readdirSync(folder).find(entry => /^licen[sc]e/i.test(entry));
  return `${name} ${version}, ${license}\n\n${file && existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, "utf8").trim() : "no text comes with it"}\n`;
});
writeFileSync("LICENSES.txt", `page.bundle.js contains these libraries.\n\n${parts.join(`\n${"-".repeat(60)}\n`)}`);
