FROM base
RUN mkdir -p /a/b && echo 1 >/a/b/c
RUN mv /a /moved && mv /usr/share/base /usr/share/renamed
