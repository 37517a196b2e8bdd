FROM base
RUN --mount=type=tmpfs,target=/scratch echo x >/scratch/f; ls /scratch >/seen
