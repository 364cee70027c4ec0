<?php
// Sends parameters as multipart by PHP's curl, which first asks whether it may: expect.php URL NAME VALUE...
// Prints the status and the answer.
$params = [];
foreach (array_chunk(array_slice($argv, 2), 2) as [$name, $value]) {
    $params[$name] = $value;
}
$curl = curl_init($argv[1]);
curl_setopt_array($curl, [
    CURLOPT_POSTFIELDS => $params,
    CURLOPT_HTTPHEADER => ['Expect: 100-continue'],
    CURLOPT_RETURNTRANSFER => true,
    CURLINFO_HEADER_OUT => true,
]);
$answer = curl_exec($curl);
if (!str_contains(curl_getinfo($curl, CURLINFO_HEADER_OUT), "\r\nExpect: 100-continue\r\n")) {
    exit(1);
}
echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), "\n", $answer;
