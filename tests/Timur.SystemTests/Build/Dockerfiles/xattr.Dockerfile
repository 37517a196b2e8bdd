FROM base
COPY xattr /xattr
