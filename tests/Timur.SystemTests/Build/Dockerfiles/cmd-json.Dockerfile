FROM base
CMD ["echo","a b"]
