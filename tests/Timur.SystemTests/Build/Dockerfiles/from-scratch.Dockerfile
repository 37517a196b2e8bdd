FROM scratch
COPY a.txt /
ENV X=1
