FROM base
RUN echo 'single $HOME' "double" \\ >/v
