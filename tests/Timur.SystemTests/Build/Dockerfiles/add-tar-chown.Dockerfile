FROM base
ADD --chown=9:9 a.txt /x
