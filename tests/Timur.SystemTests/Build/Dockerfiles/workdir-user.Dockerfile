FROM base
USER nobody
WORKDIR /home/nobody/x
