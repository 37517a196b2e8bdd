FROM base AS one
ENV A=1
RUN echo 1 >/one
CMD ["x"]
FROM one
RUN echo $A >/two
