FROM base
ARG A=one
ARG B=${A}two
ARG C
RUN echo "$A $B [$C]" >/v
