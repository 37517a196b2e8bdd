FROM base
RUN --mount=type=bind,source=dir,target=/src cat /src/one >/seen
