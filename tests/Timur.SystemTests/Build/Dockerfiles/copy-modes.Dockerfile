FROM base
COPY modes /modes
RUN ls -ln /modes /modes/d | cut -c1-30 >/listed
