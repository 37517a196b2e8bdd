FROM base
RUN --mount=type=cache,target=/cache echo kept >/cache/f; cat /cache/f >/seen
