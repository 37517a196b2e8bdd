FROM base
ENV A=${X:-dflt} B=${A:+yes} C=${X:+no} D=${A:-other}
RUN echo "$A $B $C $D" >/v
