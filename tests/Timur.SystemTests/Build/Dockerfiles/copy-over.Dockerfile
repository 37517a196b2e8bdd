FROM base
RUN mkdir -m 700 /dst; chown 5:6 /dst; echo old >/dst/one; echo stays >/dst/z
COPY dir /dst
