FROM base AS a
RUN echo a >/a
FROM base AS b
RUN echo b >/b
FROM base AS unused
RUN exit 1
FROM base
COPY --from=a /a /
COPY --from=b /b /
