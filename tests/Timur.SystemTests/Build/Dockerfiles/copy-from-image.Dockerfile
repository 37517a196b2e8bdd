FROM scratch
COPY --from=base /etc/passwd /etc/
COPY --from=base /bin/busybox /bin/
