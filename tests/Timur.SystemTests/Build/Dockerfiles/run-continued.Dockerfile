FROM base
RUN echo one \
  && echo two \
# a comment in the middle

  && echo three >/v
