FROM base
CMD ["mine"]
ENTRYPOINT ["/bin/echo"]
