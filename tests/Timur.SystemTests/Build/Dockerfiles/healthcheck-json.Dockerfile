FROM base
HEALTHCHECK CMD ["/bin/true","x"]
