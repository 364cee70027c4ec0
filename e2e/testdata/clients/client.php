<?php
// Sends an update: client.php URL STYLE NAME VALUE...
[$url, $style] = array_slice($argv, 1, 2);
$params = [];
foreach (array_chunk(array_slice($argv, 3), 2) as [$name, $value]) {
    $params[$name] = $value;
}
$form = http_build_query($params);
$whole = array_map(fn ($v) => ctype_digit($v) ? (int) $v : $v, $params);

function byStream(string $url, string $type, string $body): string
{
    return file_get_contents($url, false, stream_context_create(['http' => [
        'method' => 'POST', 'header' => "Content-Type: $type", 'content' => $body, 'ignore_errors' => true,
    ]]));
}

function byCurl(string $url, array $options): string
{
    $curl = curl_init($url);
    curl_setopt_array($curl, $options + [CURLOPT_RETURNTRANSFER => true]);
    return curl_exec($curl);
}

echo match ($style) {
    'form' => byStream($url, 'application/x-www-form-urlencoded', $form),
    'json' => byStream($url, 'application/json', json_encode($whole)),
    'curl query' => byCurl("$url?$form", [CURLOPT_POSTFIELDS => '']),
    'curl form' => byCurl($url, [CURLOPT_POSTFIELDS => $form]),
    'curl multipart' => byCurl($url, [CURLOPT_POSTFIELDS => $params]),
    // Laravel's Http::post, which is Guzzle on the curl extension
    'curl json' => byCurl($url, [CURLOPT_POSTFIELDS => json_encode($whole), CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'User-Agent: GuzzleHttp/7', 'Expect:']]),
};
