FROM base
RUN mkdir /data /logs /more
VOLUME /data /logs
VOLUME ["/more", "/data"]
