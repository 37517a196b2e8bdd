FROM base
ARG A=one
ARG B=two
RUN echo "$A $B" >/v
LABEL a=$A b=$B
# args: --build-arg A=given
