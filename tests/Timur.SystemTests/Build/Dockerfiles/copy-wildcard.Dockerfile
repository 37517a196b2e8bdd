FROM base
COPY *.txt /w/
COPY dir/?ne /w/
COPY dir/[t]* /w2/
