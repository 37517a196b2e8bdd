FROM base
ENV A=1 B="two words" C=three\ words D='$A'
ENV OLD form with  spaces
ENV E=$A-$B F="${A}x"
RUN env | grep -E "^[A-F]=|OLD" | sort >/env
