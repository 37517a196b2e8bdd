FROM base
COPY --chown=nobody:nogroup a.txt /c1
COPY --chown=7:8 dir /c2
COPY --chown=daemon a.txt /c3/
