FROM base
ARG A=arg
ENV A=env
ARG A=again
RUN echo "$A" >/v
LABEL a=$A
