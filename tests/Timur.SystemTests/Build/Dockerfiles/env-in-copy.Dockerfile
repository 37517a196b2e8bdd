FROM base
ENV SRC=a.txt DST=/target
COPY ${SRC} ${DST}/
WORKDIR $DST
USER ${NOBODY:-nobody}
