FROM base
LABEL a=1 "b.c"="two words" d=e
LABEL multi="line1 \
line2" x.y=z
LABEL a=2
