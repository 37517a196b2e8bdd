FROM base AS b
RUN mkdir /o; echo 1 >/o/f; chown 3:4 /o/f; chmod 640 /o/f; ln -s f /o/l
FROM base
COPY --from=b /o /o
COPY --from=0 /o/f /g
