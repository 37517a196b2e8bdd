FROM base
RUN echo crlf >/v
ENV A=1
