FROM base AS one
ARG A=1
RUN echo "$A" >/one
FROM base
COPY --from=one /one /one
RUN echo "[$A]" >/two
