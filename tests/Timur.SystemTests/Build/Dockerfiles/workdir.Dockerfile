FROM base
WORKDIR /a
RUN pwd >/p
WORKDIR b/c
RUN pwd >>/p
WORKDIR ../d
RUN pwd >>/p
WORKDIR /
WORKDIR rel
RUN pwd >>/p
