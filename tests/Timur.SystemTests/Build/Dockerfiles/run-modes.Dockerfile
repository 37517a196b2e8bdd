FROM base
RUN umask 027; mkdir -p /m/d; echo x >/m/f; chmod 4755 /m/f; ln -s f /m/l; ln /m/f /m/h; mkfifo /m/p; chown 7:8 /m/d; chmod 1777 /m/d
