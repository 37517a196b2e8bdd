FROM base AS one
ONBUILD RUN echo triggered >>/t
FROM one AS two
RUN echo two >>/t
FROM two
RUN cat /t >/seen
