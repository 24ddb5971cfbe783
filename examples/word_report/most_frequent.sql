-- The most frequent words, and in alphabetical order where they are equally frequent.
SELECT word, count(*) AS times
FROM words
GROUP BY word
ORDER BY times DESC, word
LIMIT :top
