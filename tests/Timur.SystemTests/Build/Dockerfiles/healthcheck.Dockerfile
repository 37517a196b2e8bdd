FROM base
HEALTHCHECK --interval=5m --timeout=3s --retries=2 --start-period=10s CMD wget -q localhost || exit 1
