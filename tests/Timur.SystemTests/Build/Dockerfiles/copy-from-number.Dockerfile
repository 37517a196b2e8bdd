FROM base
RUN echo zero >/z
FROM base
COPY --from=0 /z /copied
