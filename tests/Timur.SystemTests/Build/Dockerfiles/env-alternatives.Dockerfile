FROM base
ENV A=1 E=
ENV B=${A:+set} C=${N:+unset} D=${E:-empty} F=${A:-x}
RUN echo "$B|$C|$D|$F" >/e
