FROM base
RUN echo 1 >/gone; mkdir -p /dir/a/b; echo 2 >/dir/a/b/c
RUN rm /gone; rm -rf /dir/a; mkdir /dir/a; echo new >/dir/a/n
RUN rm -rf /usr/share/base; rm /etc/base.conf
