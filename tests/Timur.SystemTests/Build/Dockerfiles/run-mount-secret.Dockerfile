FROM base
RUN mkdir -p /run/secrets
RUN --mount=type=secret,id=tok cat /run/secrets/tok >/seen
# args: --secret id=tok,src=CONTEXT/a.txt
