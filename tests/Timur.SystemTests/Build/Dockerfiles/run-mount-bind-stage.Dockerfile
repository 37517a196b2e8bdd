FROM base AS one
RUN mkdir /out; echo made >/out/f
FROM base
RUN --mount=type=bind,from=one,source=/out,target=/in cat /in/f >/seen
