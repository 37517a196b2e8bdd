FROM base
ENV A=1 \
    B=2 \
    C="3 4"
RUN echo $A$B"$C" >/v
