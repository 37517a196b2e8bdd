FROM base
ENV D=/from/env
WORKDIR $D/sub
RUN pwd >here
