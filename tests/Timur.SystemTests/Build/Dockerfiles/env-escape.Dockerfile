FROM base
ENV A=\$HOME B="\$HOME" C='\$HOME' D="quo\"te"
RUN echo "$A $B $C $D" >/v
