ARG V=global
FROM base
RUN echo "1[$V]" >/v
ARG V
RUN echo "2[$V]" >>/v
ARG V=stage
RUN echo "3[$V]" >>/v
