FROM base
COPY --chmod=600 a.txt /c1
COPY --chmod=0755 dir /c2
