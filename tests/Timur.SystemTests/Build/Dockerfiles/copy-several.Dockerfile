FROM base
COPY a.txt b.bin dir /dst/
