FROM base AS one
ONBUILD RUN echo triggered >/t
ONBUILD COPY a.txt /trigger/
ONBUILD ENV A=1
FROM one
RUN cat /t >/seen
