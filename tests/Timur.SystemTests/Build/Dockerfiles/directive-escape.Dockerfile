# escape=`
FROM base
RUN echo one `
  two >/v
ENV A=1 `
  B=2
