FROM base
COPY a.txt /1
COPY b.bin /2
RUN cat /1 /2 >/3
