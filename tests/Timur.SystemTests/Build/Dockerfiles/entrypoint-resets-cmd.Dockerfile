FROM base AS one
CMD ["inherited"]
FROM one
ENTRYPOINT ["/bin/echo"]
