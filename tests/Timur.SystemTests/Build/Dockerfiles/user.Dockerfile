FROM base
USER nobody
RUN id -un >/tmp/who; id -gn >>/tmp/who
USER 1:1
RUN id -u >/tmp/who2; id -g >>/tmp/who2
USER daemon:nogroup
RUN id -u >/tmp/who3; id -g >>/tmp/who3
