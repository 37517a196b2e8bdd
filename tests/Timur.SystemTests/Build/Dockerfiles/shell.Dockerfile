FROM base
SHELL ["/bin/sh","-ec"]
RUN echo "$0 $-" >/v; echo more >>/v
